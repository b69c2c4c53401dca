// Texts of what shows figures of a model.

import { texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useReportText = texts("report", { en, id });
