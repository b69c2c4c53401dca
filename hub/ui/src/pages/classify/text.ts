// Texts of the page that classifies.

import { texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useClassifyText = texts("classify", { en, id });
