// Texts of the dataset's page.

import { texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useDatasetText = texts("dataset", { en, id });
