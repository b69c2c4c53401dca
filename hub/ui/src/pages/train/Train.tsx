import { PageHead } from "../../components/states";

export function Train() {
  return <PageHead title="Train" />;
}
