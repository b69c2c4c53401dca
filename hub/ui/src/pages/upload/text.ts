// Texts of the page that takes many images.

import { texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useUploadText = texts("upload", { en, id });
