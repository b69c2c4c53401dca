// Texts of the frame around the pages.

import { texts } from "../i18n";
import en from "./en.json";
import id from "./id.json";

export const useShellText = texts("app", { en, id });
