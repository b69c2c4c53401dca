// Texts of the models' pages.

import { texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useModelsText = texts("models", { en, id });
