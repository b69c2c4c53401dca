import { PageHead } from "../../components/states";

export function Dataset() {
  return <PageHead title="Dataset" />;
}
