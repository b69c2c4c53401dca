import { PageHead } from "../../components/states";

export function Bin() {
  return <PageHead title="Bin" />;
}
