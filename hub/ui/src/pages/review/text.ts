// Texts of the review.

import { texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useReviewText = texts("review", { en, id });
