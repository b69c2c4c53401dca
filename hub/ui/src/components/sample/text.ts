// Texts of what shows samples.

import { texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useSampleText = texts("sample", { en, id });
