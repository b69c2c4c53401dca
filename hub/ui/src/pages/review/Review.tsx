import { PageHead } from "../../components/states";

export function Review() {
  return <PageHead title="Review" />;
}
