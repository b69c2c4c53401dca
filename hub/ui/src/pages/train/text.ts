// Texts of the trainings' page.

import { texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useTrainText = texts("train", { en, id });
