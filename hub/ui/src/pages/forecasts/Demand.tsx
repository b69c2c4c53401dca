// What is coming: the question, the chart, what to order, and how far to trust it.

import { Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { asApiError } from "../../api/problem";
import { useMay } from "../../api/queries";
import { Empty, ErrorNote, Loading } from "../../components/states";
import { Backtest } from "./Backtest";
import { ForecastCard } from "./ForecastCard";
import { QuestionForm } from "./QuestionForm";
import { firstQuestion, forecastOf, products, type Question } from "./queries";
import { StockCards } from "./StockCards";
import { sampleCsv, saveFile } from "./sample";
import { useForecastText } from "./text";
import { Warnings } from "./Warnings";

/** How long a person may type before the hub is asked, in milliseconds. */
const TYPING_MS = 400;

export function Demand({ onTrain }: { onTrain: () => void }) {
  const [question, setQuestion] = useState<Question>(firstQuestion);
  const [settled] = useDebouncedValue(question, TYPING_MS);
  const answer = useQuery(forecastOf(settled));
  const known = useQuery(products);
  const problem = answer.error && asApiError(answer.error);
  // Of products and bins alone there is a forecast even before the first training.
  const untrained = problem?.kind === "not-trained" && (known.data?.length ?? 0) === 0;
  if (untrained) return <NothingYet onTrain={onTrain} />;
  const ofBin = known.data?.find((product) => product.product_id === settled.product_id)?.category;
  return (
    <Stack>
      <QuestionForm question={question} products={known.data ?? []} onChange={setQuestion} />
      {problem ? (
        <Refused
          error={problem}
          onProduct={(product_id) => setQuestion({ ...question, product_id })}
          onTrain={onTrain}
          retry={() => void answer.refetch()}
        />
      ) : answer.data ? (
        <>
          <Warnings warnings={answer.data.warnings} notes={answer.data.notes} />
          <ForecastCard forecast={answer.data} refreshing={answer.isPlaceholderData} />
          {ofBin !== "items" && ofBin !== "fill" && <StockCards stock={answer.data.stock} />}
          <Backtest forecast={answer.data} />
        </>
      ) : (
        <Loading lines={8} />
      )}
    </Stack>
  );
}

/** Before the first file: what to send, and a file to try with. */
function NothingYet({ onTrain }: { onTrain: () => void }) {
  const text = useForecastText();
  const may = useMay("admin");
  return (
    <Empty title={text("nothingYet")}>
      <Stack align="center" gap="sm">
        <Text>{text("nothingYetHint")}</Text>
        <Group justify="center">
          {may && <Button onClick={onTrain}>{text("uploadData")}</Button>}
          <Button
            variant="default"
            onClick={() => saveFile("pilah-sample.csv", "text/csv", sampleCsv(Date.now() - 86_400_000))}
          >
            {text("sample")}
          </Button>
        </Group>
        {!may && <Text size="sm">{text("askAdmin")}</Text>}
      </Stack>
    </Empty>
  );
}

/** Why there is no forecast of this: with the names that are near, if it is an unknown product. */
function Refused({
  error,
  onProduct,
  onTrain,
  retry,
}: {
  error: ReturnType<typeof asApiError>;
  onProduct: (product: string | null) => void;
  onTrain: () => void;
  retry: () => void;
}) {
  const text = useForecastText();
  const may = useMay("admin");
  const near = Array.isArray(error.extra.nearest) ? (error.extra.nearest as string[]) : [];
  if (error.kind === "not-trained") {
    return (
      <Empty title={text("notTrained")}>
        <Stack align="center" gap="sm">
          <Text>{text("notTrainedHint")}</Text>
          {may && <Button onClick={onTrain}>{text("toTraining")}</Button>}
        </Stack>
      </Empty>
    );
  }
  return (
    <Stack gap="xs">
      <ErrorNote error={error} retry={retry} />
      <Group gap="md">
        {near.map((product) => (
          <Anchor key={product} component="button" type="button" onClick={() => onProduct(product)}>
            {product}
          </Anchor>
        ))}
        <Anchor component="button" type="button" onClick={() => onProduct(null)}>
          {text("allProducts")}
        </Anchor>
      </Group>
    </Stack>
  );
}
