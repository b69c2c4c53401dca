// How a bin is: its last telemetry.

import { Alert, Progress, Text, Title } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { Stat } from "../../components/Stat";
import { useFormat } from "../../i18n/format";
import { Fill } from "./Fill";
import type { BinDetail } from "./queries";
import { HOT_C, telemetryOf } from "./telemetry";
import { type FleetText, useFleetText } from "./text";

const reasons = ["under_voltage", "frequency_capped", "throttled", "soft_temperature_limit"] as const;

/** Reasons of throttling in words; those that are not known keep their names. */
function reasonsIn(text: FleetText, found: readonly string[]): string {
  const name = (reason: string) =>
    (reasons as readonly string[]).includes(reason) ? text(`throttling_${reason as (typeof reasons)[number]}`) : reason;
  return found.map(name).join(", ");
}

export function Health({ bin }: { bin: BinDetail }) {
  const text = useFleetText();
  const format = useFormat();
  const health = telemetryOf(bin);
  const { outbox, disk, throttling, actuator, chamber, temperature_c, fill } = health;
  if (!bin.telemetry) {
    return (
      <section className="card">
        <Title order={2} size="h4">
          {text("health")}
        </Title>
        <Text c="dimmed">{text("noTelemetry")}</Text>
      </section>
    );
  }
  const dropped = outbox ? outbox.dropped_events + outbox.dropped_samples : 0;
  return (
    <section>
      <Title order={2} size="h4">
        {text("health")}
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {health.at && text("measured", { ago: format.ago(Date.parse(health.at)) })}
      </Text>
      {bin.camera?.startsWith("failed") && (
        <Alert color="red" icon={<IconAlertTriangle />} title={text("concern_camera")} mb="sm">
          {bin.camera}
        </Alert>
      )}
      {actuator?.fault && (
        <Alert color="red" icon={<IconAlertTriangle />} title={text("concern_actuator")} mb="sm">
          {actuator.fault}
        </Alert>
      )}
      {chamber?.fault && (
        <Alert color="yellow" icon={<IconAlertTriangle />} title={text("concern_chamber")} mb="sm">
          {chamber.fault}
        </Alert>
      )}
      {outbox && ((outbox.set_aside ?? 0) > 0 || outbox.largest_message !== undefined) && (
        <Alert color="yellow" icon={<IconAlertTriangle />} title={text("concern_aside")} mb="sm">
          {text("asideHint", {
            aside: format.number(outbox.set_aside ?? 0),
            smaller: format.number(outbox.made_smaller ?? 0),
          })}{" "}
          {outbox.largest_message !== undefined &&
            text("largestMessage", { size: format.bytes(outbox.largest_message) })}
        </Alert>
      )}
      <div className="tiles" style={{ "--tile": "10rem" } as React.CSSProperties}>
        {fill !== undefined && <Stat label={text("column_fill")} value={<Fill fill={fill} large />} />}
        {temperature_c !== undefined && (
          <Stat
            label={text("temperature")}
            value={text("celsius", { degrees: format.number(temperature_c) })}
            hint={text(temperature_c >= HOT_C ? "hot" : "notHot")}
          />
        )}
        {disk && (
          <Stat
            label={text("disk")}
            value={text("free", { size: format.bytes(disk.free_bytes) })}
            hint={
              <Progress mt={4} value={(1 - disk.free_bytes / disk.total_bytes) * 100} aria-label={text("diskUsed")} />
            }
          />
        )}
        {outbox && (
          <Stat
            label={text("queue")}
            value={format.number(outbox.entries)}
            hint={
              dropped > 0
                ? text("droppedCount", { dropped: format.number(dropped) })
                : text("queueHint", { size: format.bytes(outbox.bytes) })
            }
          />
        )}
        {health.frames !== undefined && (
          <Stat
            label={text("frames")}
            value={format.number(health.frames)}
            hint={text("framesHint", {
              skipped: format.number(health.frames_skipped ?? 0),
              corrupt: format.number(health.frames_corrupt ?? 0),
            })}
          />
        )}
        {health.memory_bytes !== undefined && <Stat label={text("memory")} value={format.bytes(health.memory_bytes)} />}
        {health.uptime_s !== undefined && (
          <Stat
            label={text("uptime")}
            value={format.duration(health.uptime_s * 1000)}
            hint={text("uptimeHint", { items: format.number(health.items ?? 0) })}
          />
        )}
        {health.clock_synced !== undefined && (
          <Stat
            label={text("clock")}
            value={text(health.clock_synced ? "synced" : "unsynced")}
            hint={health.clock_synced ? undefined : text("unsyncedHint")}
          />
        )}
        {throttling && (
          <Stat
            label={text("throttling")}
            value={text(throttling.now.length > 0 ? "slowed" : "fullSpeed")}
            hint={
              throttling.now.length > 0
                ? reasonsIn(text, throttling.now)
                : throttling.since_boot.length > 0
                  ? text("sinceBoot", { reasons: reasonsIn(text, throttling.since_boot) })
                  : undefined
            }
          />
        )}
        {actuator && (
          <Stat
            label={text("flaps")}
            value={format.number(actuator.opened)}
            hint={text("flapsHint", { failed: format.number(actuator.failed) })}
          />
        )}
      </div>
    </section>
  );
}
