// Texts of what shows model versions.

import { texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useModelText = texts("model", { en, id });
