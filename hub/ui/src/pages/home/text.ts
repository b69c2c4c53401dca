// Texts of the first page.

import { texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useHomeText = texts("home", { en, id });
