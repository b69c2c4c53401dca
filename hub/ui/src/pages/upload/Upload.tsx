// Many images with what they show, and whole zips of them, into the dataset.

import { Tabs } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { classes as classesQuery } from "../../api/queries";
import { Loaded, Needs, PageHead } from "../../components/states";
import { Files } from "./Files";
import { useUploadText } from "./text";
import { Zip } from "./Zip";

export function Upload() {
  const text = useUploadText();
  const query = useQuery(classesQuery);
  return (
    <>
      <PageHead title={text("title")} hint={text("hint")} />
      <Needs role="reviewer">
        <Tabs defaultValue="files" keepMounted={false}>
          <Tabs.List mb="md">
            <Tabs.Tab value="files">{text("images")}</Tabs.Tab>
            <Tabs.Tab value="zip">{text("zip")}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="files">
            <Loaded query={query}>{({ classes }) => <Files classes={classes.map((each) => each.label)} />}</Loaded>
          </Tabs.Panel>
          <Tabs.Panel value="zip">
            <Zip />
          </Tabs.Panel>
        </Tabs>
      </Needs>
    </>
  );
}
