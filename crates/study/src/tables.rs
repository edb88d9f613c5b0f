//! Plain tables as parquet: required columns, uncompressed, one row group. pandas, polars and R open them.

use crate::error::{Result, StudyError};
use parquet::basic::Compression;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Whole numbers.
    Integer(Vec<i64>),
    /// Numbers; NaN and infinities are legal.
    Number(Vec<f64>),
    /// Yes or no.
    Flag(Vec<bool>),
    /// Words.
    Text(Vec<String>),
}

/// Named columns of equal length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// In the order of the file.
    pub columns: Vec<(String, Column)>,
}

impl Table {
    /// Adds whole numbers.
    #[must_use]
    pub fn integers(mut self, name: &str, values: impl IntoIterator<Item = i64>) -> Self {
        self.columns
            .push((name.into(), Column::Integer(values.into_iter().collect())));
        self
    }

    /// Adds numbers.
    #[must_use]
    pub fn numbers(mut self, name: &str, values: impl IntoIterator<Item = f64>) -> Self {
        self.columns
            .push((name.into(), Column::Number(values.into_iter().collect())));
        self
    }

    /// Adds flags.
    #[must_use]
    pub fn flags(mut self, name: &str, values: impl IntoIterator<Item = bool>) -> Self {
        self.columns
            .push((name.into(), Column::Flag(values.into_iter().collect())));
        self
    }

    /// Adds words.
    #[must_use]
    pub fn text<S: Into<String>>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = S>,
    ) -> Self {
        self.columns.push((
            name.into(),
            Column::Text(values.into_iter().map(Into::into).collect()),
        ));
        self
    }

    /// The parquet file; the same table gives the same bytes.
    ///
    /// # Errors
    ///
    /// [`StudyError::Input`] where columns differ in length.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.write()
            .map_err(|e| StudyError::Input(format!("parquet: {e}")))
    }

    fn write(&self) -> std::result::Result<Vec<u8>, ParquetError> {
        let mut schema = String::from("message table {\n");
        for (name, column) in &self.columns {
            let _ = match column {
                Column::Integer(_) => writeln!(schema, "REQUIRED INT64 {name};"),
                Column::Number(_) => writeln!(schema, "REQUIRED DOUBLE {name};"),
                Column::Flag(_) => writeln!(schema, "REQUIRED BOOLEAN {name};"),
                Column::Text(_) => writeln!(schema, "REQUIRED BYTE_ARRAY {name} (STRING);"),
            };
        }
        schema.push('}');
        let properties = WriterProperties::builder()
            .set_compression(Compression::UNCOMPRESSED)
            .set_dictionary_enabled(false)
            .set_created_by("chiliad".into())
            .build();
        let mut writer = SerializedFileWriter::new(
            Vec::new(),
            Arc::new(parse_message_type(&schema)?),
            Arc::new(properties),
        )?;
        let mut rows = writer.next_row_group()?;
        for (_, column) in &self.columns {
            match column {
                Column::Integer(values) => put::<Int64Type>(&mut rows, values)?,
                Column::Number(values) => put::<DoubleType>(&mut rows, values)?,
                Column::Flag(values) => put::<BoolType>(&mut rows, values)?,
                Column::Text(values) => put::<ByteArrayType>(
                    &mut rows,
                    &values
                        .iter()
                        .map(|s| ByteArray::from(s.as_str()))
                        .collect::<Vec<_>>(),
                )?,
            }
        }
        rows.close()?;
        writer.into_inner()
    }

    /// A table written by [`Table::to_bytes`]; `file` is what errors name.
    ///
    /// # Errors
    ///
    /// [`StudyError::Damaged`].
    pub fn from_bytes(bytes: Vec<u8>, file: &Path) -> Result<Self> {
        Self::parse(bytes).map_err(|e| StudyError::Damaged {
            file: file.to_owned(),
            message: e.to_string(),
        })
    }

    fn parse(bytes: Vec<u8>) -> std::result::Result<Self, ParquetError> {
        use parquet::column::reader::ColumnReader;
        let reader = SerializedFileReader::new(bytes::Bytes::from(bytes))?;
        let names: Vec<String> = reader
            .metadata()
            .file_metadata()
            .schema_descr()
            .columns()
            .iter()
            .map(|c| c.name().to_owned())
            .collect();
        let mut table = Self::default();
        let group = reader.get_row_group(0)?;
        let n = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        for (i, name) in names.into_iter().enumerate() {
            let column = match group.get_column_reader(i)? {
                ColumnReader::Int64ColumnReader(mut r) => {
                    let mut values = Vec::new();
                    r.read_records(n, None, None, &mut values)?;
                    Column::Integer(values)
                }
                ColumnReader::DoubleColumnReader(mut r) => {
                    let mut values = Vec::new();
                    r.read_records(n, None, None, &mut values)?;
                    Column::Number(values)
                }
                ColumnReader::BoolColumnReader(mut r) => {
                    let mut values = Vec::new();
                    r.read_records(n, None, None, &mut values)?;
                    Column::Flag(values)
                }
                ColumnReader::ByteArrayColumnReader(mut r) => {
                    let mut values: Vec<ByteArray> = Vec::new();
                    r.read_records(n, None, None, &mut values)?;
                    Column::Text(
                        values
                            .iter()
                            .map(|v| String::from_utf8_lossy(v.data()).into_owned())
                            .collect(),
                    )
                }
                _ => {
                    return Err(ParquetError::General(format!(
                        "column `{name}` is of a type this program does not write"
                    )));
                }
            };
            table.columns.push((name, column));
        }
        Ok(table)
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.0 == name).map(|c| &c.1)
    }

    /// Whole numbers of a column, empty where there is none of that name and kind.
    #[must_use]
    pub fn integer(&self, name: &str) -> &[i64] {
        match self.column(name) {
            Some(Column::Integer(values)) => values,
            _ => &[],
        }
    }

    /// Numbers of a column, empty where there is none of that name and kind.
    #[must_use]
    pub fn number(&self, name: &str) -> &[f64] {
        match self.column(name) {
            Some(Column::Number(values)) => values,
            _ => &[],
        }
    }

    /// Words of a column, empty where there is none of that name and kind.
    #[must_use]
    pub fn words(&self, name: &str) -> &[String] {
        match self.column(name) {
            Some(Column::Text(values)) => values,
            _ => &[],
        }
    }

    /// Flags of a column, empty where there is none of that name and kind.
    #[must_use]
    pub fn flag(&self, name: &str) -> &[bool] {
        match self.column(name) {
            Some(Column::Flag(values)) => values,
            _ => &[],
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn n_rows(&self) -> usize {
        match self.columns.first() {
            None => 0,
            Some((_, Column::Integer(v))) => v.len(),
            Some((_, Column::Number(v))) => v.len(),
            Some((_, Column::Flag(v))) => v.len(),
            Some((_, Column::Text(v))) => v.len(),
        }
    }

    /// The rows of several tables with the same columns, sorted by the whole numbers of column `by`, ties in the order given.
    #[must_use]
    pub fn merged(tables: &[Self], by: &str) -> Self {
        let mut order: Vec<(i64, usize, usize)> = Vec::new();
        for (t, table) in tables.iter().enumerate() {
            order.extend(
                table
                    .integer(by)
                    .iter()
                    .enumerate()
                    .map(|(row, key)| (*key, t, row)),
            );
        }
        order.sort_unstable();
        let names = tables.first().map_or(&[][..], |t| &t.columns);
        let columns = names.iter().enumerate().map(|(c, (name, kind))| {
            let column = match kind {
                Column::Integer(_) => Column::Integer(
                    order
                        .iter()
                        .filter_map(|&(_, t, row)| tables[t].integer(name).get(row).copied())
                        .collect(),
                ),
                Column::Number(_) => Column::Number(
                    order
                        .iter()
                        .filter_map(|&(_, t, row)| tables[t].number(name).get(row).copied())
                        .collect(),
                ),
                Column::Flag(_) => Column::Flag(
                    order
                        .iter()
                        .filter_map(|&(_, t, row)| tables[t].flag(name).get(row).copied())
                        .collect(),
                ),
                Column::Text(_) => Column::Text(
                    order
                        .iter()
                        .filter_map(|&(_, t, row)| tables[t].words(name).get(row).cloned())
                        .collect(),
                ),
            };
            (tables[0].columns[c].0.clone(), column)
        });
        Self {
            columns: columns.collect(),
        }
    }
}

fn put<T: DataType>(
    rows: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: &[T::T],
) -> std::result::Result<(), ParquetError> {
    let mut column = rows
        .next_column()?
        .ok_or_else(|| ParquetError::General("more columns than the schema has".into()))?;
    column.typed::<T>().write_batch(values, None, None)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_back() {
        let table = Table::default()
            .integers("network", [2, 0])
            .numbers("loss", [0.5, f64::INFINITY])
            .flags("reached", [true, false])
            .text("kind", ["fixed", "slow"]);
        let bytes = table.to_bytes().unwrap();
        assert_eq!(bytes, table.to_bytes().unwrap());
        assert_eq!(
            Table::from_bytes(bytes.clone(), Path::new("t")).unwrap(),
            table
        );
        assert!(Table::from_bytes(bytes[..bytes.len() / 2].to_vec(), Path::new("t")).is_err());
        let merged = Table::merged(&[table.clone(), table], "network");
        assert_eq!(
            (
                merged.integer("network"),
                merged.words("kind")[0].as_str(),
                merged.n_rows()
            ),
            (&[0, 0, 2, 2][..], "slow", 4)
        );
        assert_eq!(
            Table::default()
                .integers("a", [])
                .to_bytes()
                .and_then(|b| Table::from_bytes(b, Path::new("t")))
                .unwrap()
                .n_rows(),
            0
        );
    }
}
