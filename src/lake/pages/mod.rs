//! Columns whose texts repeat, written as Parquet pages of numbers into a dictionary.
//!
//! The general writer hashes every text of every row again, once for each policy of each sign-in. Who
//! knows already which text it is writes its number. What comes out is the plain format: a dictionary
//! page and data pages of version 1.

mod dictionary;
mod hybrid;

use std::io::Write;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding, PageType};
use parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder, PageEncodingStats};
use parquet::file::writer::{SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::{ColumnDescPtr, ColumnDescriptor};
use zstd::bulk::Compressor;

pub use dictionary::Dictionary;
use hybrid::{encode, width_of};

/// Rows of a page, as other writers have it.
const PAGE_ROWS: usize = 20_000;
/// Places of a page, however few rows they are of.
const PAGE_PLACES: usize = 1 << 17;
/// Room that is kept from one page to the next, bytes.
const KEPT_ROOM: usize = 4 << 20;

/// Whether so much is enough for a page.
#[must_use]
pub fn is_page(rows: usize, places: usize) -> bool {
    rows >= PAGE_ROWS || places >= PAGE_PLACES
}

/// What goes into one page: levels as in Dremel, and a number for each text that is there.
#[derive(Default)]
pub struct Content {
    rows: usize,
    /// At which list each text goes on; unused where no list is.
    repetition: Vec<u8>,
    /// How much of the path to each text is there; unused where all are.
    definition: Vec<u8>,
    numbers: Vec<u32>,
}

impl Content {
    /// A text, by its number.
    #[inline]
    pub fn text(&mut self, repetition: u8, definition: u8, number: u32) {
        self.absent(repetition, definition);
        self.numbers.push(number);
    }

    /// A place without a text.
    #[inline]
    pub fn absent(&mut self, repetition: u8, definition: u8) {
        self.repetition.push(repetition);
        self.definition.push(definition);
    }
}

/// Makes and compresses pages; kept by a file, since a compressor needs a megabyte.
pub struct Encoder {
    compressor: Compressor<'static>,
    compression: Compression,
    content: Content,
    raw: Vec<u8>,
}

impl Encoder {
    /// An encoder with `compression`, which has to be zstd.
    pub fn new(compression: Compression) -> Result<Encoder, ParquetError> {
        let Compression::ZSTD(level) = compression else {
            return Err(ParquetError::NYI(format!("pages in {compression}")));
        };
        Ok(Encoder {
            compressor: Compressor::new(level.compression_level())?,
            compression,
            content: Content::default(),
            raw: Vec::new(),
        })
    }

    /// The next page, empty; `rows` begin in it.
    pub fn next_page(&mut self, rows: usize) -> &mut Content {
        if self.raw.capacity() > KEPT_ROOM {
            self.raw = Vec::new();
            self.content = Content::default();
        }
        let content = &mut self.content;
        content.rows = rows;
        content.repetition.clear();
        content.definition.clear();
        content.numbers.clear();
        content
    }

    /// The data page of a column whose dictionary has so many texts by now.
    fn data_page(
        &mut self,
        column: &ColumnDescriptor,
        texts: usize,
    ) -> Result<CompressedPage, ParquetError> {
        let Encoder { content, raw, .. } = self;
        raw.clear();
        put_levels(&content.repetition, column.max_rep_level(), raw);
        put_levels(&content.definition, column.max_def_level(), raw);
        let width = width_of(texts.saturating_sub(1) as u32);
        raw.push(width);
        encode(&content.numbers, width, raw);
        let page = Page::DataPage {
            buf: self.compressor.compress(&self.raw)?.into(),
            num_values: self.content.definition.len() as u32,
            encoding: Encoding::RLE_DICTIONARY,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        Ok(CompressedPage::new(page, self.raw.len()))
    }

    /// The dictionary page: each text behind its length.
    fn dictionary_page(&mut self, texts: &Dictionary) -> Result<CompressedPage, ParquetError> {
        self.raw.clear();
        for text in texts.texts() {
            self.raw
                .extend_from_slice(&(text.len() as u32).to_le_bytes());
            self.raw.extend_from_slice(text);
        }
        let page = Page::DictionaryPage {
            buf: self.compressor.compress(&self.raw)?.into(),
            num_values: texts.len() as u32,
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        Ok(CompressedPage::new(page, self.raw.len()))
    }
}

/// Levels behind the number of their bytes; none where there is only one level.
fn put_levels(levels: &[u8], max: i16, out: &mut Vec<u8>) {
    if max == 0 {
        return;
    }
    let begin = out.len();
    out.extend_from_slice(&[0; 4]);
    encode(levels, width_of(max as u32), out);
    let bytes = (out.len() - begin - 4) as u32;
    out[begin..begin + 4].copy_from_slice(&bytes.to_le_bytes());
}

/// One column of texts in one row group: its dictionary, and its pages so far.
pub struct Pages {
    column: ColumnDescPtr,
    texts: Dictionary,
    sink: TrackedWrite<Vec<u8>>,
    written: Vec<Written>,
    values: usize,
}

/// A column of a row group, ready for the file.
pub struct Closed {
    bytes: Bytes,
    close: ColumnCloseResult,
}

impl Closed {
    /// Appends it as the next column of the row group.
    pub fn append_to<W: Write + Send>(
        self,
        group: &mut SerializedRowGroupWriter<W>,
    ) -> Result<(), ParquetError> {
        group.append_column(&self.bytes, self.close)
    }
}

/// A page in the sink.
struct Written {
    rows: usize,
    offset: u64,
    bytes: usize,
    uncompressed: usize,
}

impl Pages {
    /// No page of this column yet.
    #[must_use]
    pub fn new(column: ColumnDescPtr) -> Pages {
        Pages {
            column,
            texts: Dictionary::default(),
            sink: TrackedWrite::new(Vec::new()),
            written: Vec::new(),
            values: 0,
        }
    }

    /// The number of a text; a new one gets the next.
    #[inline]
    pub fn number_of(&mut self, text: &str) -> u32 {
        self.texts.number_of(text.as_bytes())
    }

    /// Bytes of the dictionary and of the pages so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.texts.bytes() + self.sink.bytes_written()
    }

    /// Appends the encoder's page, if a row is in it.
    pub fn add(&mut self, encoder: &mut Encoder) -> Result<(), ParquetError> {
        let rows = encoder.content.rows;
        if rows == 0 {
            return Ok(());
        }
        let page = encoder.data_page(&self.column, self.texts.len())?;
        let spec = SerializedPageWriter::new(&mut self.sink).write_page(page)?;
        self.values += spec.num_values as usize;
        self.written.push(Written {
            rows,
            offset: spec.offset,
            bytes: spec.compressed_size,
            uncompressed: spec.uncompressed_size,
        });
        Ok(())
    }

    /// The whole column, dictionary first, and what the footer says of it; offsets count from its
    /// first byte.
    pub fn close(self, encoder: &mut Encoder) -> Result<Closed, ParquetError> {
        let mut sink = TrackedWrite::new(Vec::with_capacity(self.bytes()));
        let page = encoder.dictionary_page(&self.texts)?;
        let dictionary = SerializedPageWriter::new(&mut sink).write_page(page)?;
        let close = self.footer(&dictionary, encoder.compression)?;
        let mut bytes = sink.into_inner()?;
        bytes.extend_from_slice(&self.sink.into_inner()?);
        Ok(Closed {
            bytes: bytes.into(),
            close,
        })
    }

    fn footer(
        &self,
        dictionary: &PageWriteSpec,
        compression: Compression,
    ) -> Result<ColumnCloseResult, ParquetError> {
        let first = dictionary.compressed_size as u64;
        let mut index = OffsetIndexBuilder::new();
        for page in &self.written {
            index.append_row_count(page.rows as i64);
            index.append_offset_and_size((first + page.offset) as i64, page.bytes as i32);
        }
        let pages = self.written.iter();
        let uncompressed = dictionary.uncompressed_size
            + pages.clone().map(|page| page.uncompressed).sum::<usize>();
        let stats = |page_type, encoding, count| PageEncodingStats {
            page_type,
            encoding,
            count,
        };
        let encodings = [Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY];
        let metadata = ColumnChunkMetaData::builder(self.column.clone())
            .set_compression(compression)
            .set_encodings(encodings.to_vec())
            .set_page_encoding_stats(vec![
                stats(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1),
                stats(
                    PageType::DATA_PAGE,
                    Encoding::RLE_DICTIONARY,
                    self.written.len() as i32,
                ),
            ])
            .set_total_compressed_size(first as i64 + self.sink.bytes_written() as i64)
            .set_total_uncompressed_size(uncompressed as i64)
            .set_num_values(self.values as i64)
            .set_dictionary_page_offset(Some(0))
            .set_data_page_offset(first as i64)
            .build()?;
        Ok(ColumnCloseResult {
            bytes_written: first + self.sink.bytes_written() as u64,
            rows_written: pages.map(|page| page.rows as u64).sum(),
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: Some(index.build()),
        })
    }
}
