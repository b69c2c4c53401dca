import { PageHead } from "../../components/states";

export function Fleet() {
  return <PageHead title="Fleet" />;
}
