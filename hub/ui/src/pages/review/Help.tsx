// The keys of the review.

import { Kbd, Modal, Table, Text } from "@mantine/core";
import { useClassName } from "../../i18n/classes";
import { useReviewText } from "./text";

export function Help({
  opened,
  onClose,
  classes,
}: {
  opened: boolean;
  onClose: () => void;
  classes: readonly string[];
}) {
  const text = useReviewText();
  const name = useClassName();
  const keys: [string[], string][] = [
    ...classes.slice(0, 9).map((label, place): [string[], string] => [[String(place + 1)], name(label)]),
    [["S"], text("helpSkip")],
    [["U"], text("helpUnusable")],
    [["O"], text("helpSecond")],
    [["Z"], text("helpUndo")],
    [["G"], text("helpGrid")],
    [["↑", "↓", "←", "→"], text("helpArrows")],
    [["⇧"], text("helpShift")],
    [["?"], text("helpHelp")],
  ];
  return (
    <Modal opened={opened} onClose={onClose} title={text("keys")} closeButtonProps={{ "aria-label": text("close") }}>
      <Text size="sm" c="dimmed" mb="sm">
        {text("helpIntro")}
      </Text>
      <Table>
        <Table.Tbody>
          {keys.map(([names, meaning]) => (
            <Table.Tr key={meaning}>
              <Table.Td w={130}>
                {names.map((key) => (
                  <Kbd key={key} mr={4}>
                    {key}
                  </Kbd>
                ))}
              </Table.Td>
              <Table.Td>{meaning}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
