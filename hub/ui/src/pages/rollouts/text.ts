// Texts of the rollouts' page.

import { texts } from "../../i18n";
import en from "./en.json";
import id from "./id.json";

export const useRolloutsText = texts("rollouts", { en, id });
