import { PageHead } from "../../components/states";

export function Forecasts() {
  return <PageHead title="Forecasts" />;
}
