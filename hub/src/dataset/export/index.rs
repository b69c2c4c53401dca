//! `index.parquet`: a row for each sample.

use std::io::{self, Write};

use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::{Layout, place};
use crate::dataset::version::Frozen;

/// The columns of `index.parquet`.
const SCHEMA: &str = "message samples {
    REQUIRED BINARY id (UTF8);
    REQUIRED BINARY label (UTF8);
    OPTIONAL BINARY split (UTF8);
    REQUIRED BINARY file (UTF8);
    REQUIRED BINARY content_sha256 (UTF8);
    REQUIRED BINARY cluster (UTF8);
    OPTIONAL BINARY perceptual_hash (UTF8);
    REQUIRED INT64 at (TIMESTAMP_MILLIS);
    REQUIRED INT32 width;
    REQUIRED INT32 height;
}";

/// Writes the index, a row group at a time.
pub(super) struct Index<W: Write> {
    file: SerializedFileWriter<W>,
    layout: Layout,
}

impl<W: Write + Send> Index<W> {
    /// Begins an index of an export of this layout.
    pub(super) fn new(sink: W, layout: Layout) -> io::Result<Self> {
        let schema = parse_message_type(SCHEMA).expect("a schema").into();
        let file = SerializedFileWriter::new(sink, schema, WriterProperties::builder().build().into());
        Ok(Self { file: file.map_err(other)?, layout })
    }

    /// Writes samples as a row group.
    pub(super) fn write(&mut self, samples: &[Frozen]) -> io::Result<()> {
        let mut group = self.file.next_row_group().map_err(other)?;
        write_columns(samples, self.layout, &mut group).map_err(other)?;
        group.close().map_err(other)?;
        Ok(())
    }

    /// Writes the end.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.file.finish().map_err(other)?;
        Ok(())
    }
}

fn other(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

fn write_columns<W: Write + Send>(
    shard: &[Frozen],
    layout: Layout,
    group: &mut SerializedRowGroupWriter<'_, W>,
) -> Result<(), ParquetError> {
    type Text<'a> = Box<dyn Fn(&Frozen) -> Option<String> + 'a>;
    let texts: [(bool, Text); 7] = [
        (true, Box::new(|sample| Some(sample.id.clone()))),
        (true, Box::new(|sample| Some(sample.label.to_string()))),
        (false, Box::new(|sample| sample.split.map(|split| split.to_string()))),
        (true, Box::new(|sample| Some(place(sample, layout)))),
        (true, Box::new(|sample| Some(sample.content.to_string()))),
        (true, Box::new(|sample| Some(sample.cluster.clone()))),
        (false, Box::new(|sample| sample.looks.clone())),
    ];
    for (required, text) in texts {
        let values: Vec<Option<String>> = shard.iter().map(text).collect();
        let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
        let present: Vec<ByteArray> = values.iter().flatten().map(|value| ByteArray::from(value.as_str())).collect();
        let mut column = next_column(group)?;
        column.typed::<ByteArrayType>().write_batch(&present, (!required).then_some(&levels[..]), None)?;
        column.close()?;
    }
    let times: Vec<i64> = shard.iter().map(|sample| sample.at_ms).collect();
    let mut column = next_column(group)?;
    column.typed::<Int64Type>().write_batch(&times, None, None)?;
    column.close()?;
    for side in [|sample: &Frozen| sample.width, |sample: &Frozen| sample.height] {
        let sides: Vec<i32> = shard.iter().map(side).collect();
        let mut column = next_column(group)?;
        column.typed::<Int32Type>().write_batch(&sides, None, None)?;
        column.close()?;
    }
    Ok(())
}

fn next_column<'a, W: Write + Send>(
    group: &'a mut SerializedRowGroupWriter<'_, W>,
) -> Result<SerializedColumnWriter<'a>, ParquetError> {
    Ok(group.next_column()?.expect("the schema has this column"))
}
