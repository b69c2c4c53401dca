import { PageHead } from "../../components/states";

export function Upload() {
  return <PageHead title="Upload" />;
}
