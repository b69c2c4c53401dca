// The hub in figures.

import { Anchor } from "@mantine/core";
import { type UseQueryResult, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, type Schemas, unwrap } from "../../api/client";
import { status as statusQuery, useMay } from "../../api/queries";
import { useLevelName } from "../../components/model/LevelCard";
import { Stat } from "../../components/Stat";
import { Loaded } from "../../components/states";
import { useFormat } from "../../i18n/format";
import styles from "./Home.module.css";
import { useHomeText } from "./text";

type FieldReport = Schemas["FieldReport"];

export function Figures({ field, hours }: { field: UseQueryResult<FieldReport>; hours: number }) {
  const text = useHomeText();
  const format = useFormat();
  const levelName = useLevelName();
  const mayReview = useMay("reviewer");
  const status = useQuery(statusQuery);
  const queue = useQuery({ queryKey: ["review-queue"], queryFn: () => unwrap(api.GET("/api/v1/review")) });
  const items = field.data?.classes.reduce((sum, each) => sum + each.sure + each.unsure, 0);
  const sure = field.data?.classes.reduce((sum, each) => sum + each.sure, 0) ?? 0;
  const waiting = queue.data && queue.data.open + queue.data.second + queue.data.disputed;
  return (
    <Loaded query={status} lines={3}>
      {(hub) => (
        <div className={styles.figures}>
          <Stat
            label={text("binsOnline")}
            value={text("of", { part: format.number(hub.bins_online), all: format.number(hub.bins) })}
            hint={
              <Anchor component={Link} to="/fleet" size="xs">
                {text(hub.bins === 0 ? "enrol" : "toFleet")}
              </Anchor>
            }
          />
          <Stat
            label={text("items")}
            value={items === undefined ? "–" : format.number(items)}
            hint={
              items
                ? text("sureShare", { share: format.percent(sure / items) })
                : text(hours === 24 ? "none24" : "noneYet")
            }
          />
          <Stat
            label={text("waiting")}
            value={waiting === undefined ? "–" : format.number(waiting)}
            hint={
              mayReview && waiting ? (
                <Anchor component={Link} to="/review" size="xs">
                  {text("toReview")}
                </Anchor>
              ) : (
                text("labelled", { number: format.number(hub.labelled) })
              )
            }
          />
          <Stat
            label={text("model")}
            value={hub.model ?? text("noModel")}
            hint={
              <Anchor component={Link} to={hub.model ? "/models" : "/train"} size="xs">
                {text(hub.model ? "toModels" : "toTrain")}
              </Anchor>
            }
          />
          <Stat
            label={text("level")}
            value={text("levelIs", { level: hub.ai_level.level, name: levelName(hub.ai_level.level) })}
            hint={text("levelHint")}
          />
        </div>
      )}
    </Loaded>
  );
}
