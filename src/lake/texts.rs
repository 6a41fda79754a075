//! Columns of texts that repeat: one a row, or a list of them.

use parquet::errors::ParquetError;
use parquet::schema::types::ColumnDescPtr;

use super::pages::{Closed, Encoder, Pages, is_page};

/// A row without a text.
const ABSENT: u32 = u32::MAX;

/// A column of one text a row, on its way into pages.
pub struct TextColumn {
    /// Number of each row's text since the last page.
    waiting: Vec<u32>,
    may_be_absent: bool,
    pages: Pages,
}

impl TextColumn {
    /// No row yet; `column` is the leaf in the file's schema.
    #[must_use]
    pub fn new(column: ColumnDescPtr) -> TextColumn {
        TextColumn {
            waiting: Vec::new(),
            may_be_absent: column.max_def_level() > 0,
            pages: Pages::new(column),
        }
    }

    /// Appends a row; what may not be absent is empty instead.
    #[inline]
    pub fn append(&mut self, text: Option<&str>) {
        let number = match text {
            None if self.may_be_absent => ABSENT,
            text => self.pages.number_of(text.unwrap_or_default()),
        };
        self.waiting.push(number);
    }

    /// Bytes that are kept for the row group.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.pages.bytes()
    }

    /// Writes a page when there is enough for one.
    pub fn hand_over(&mut self, encoder: &mut Encoder) -> Result<(), ParquetError> {
        if is_page(self.waiting.len(), self.waiting.len()) {
            self.write_page(encoder)?;
        }
        Ok(())
    }

    /// The column of the row group.
    pub fn close(mut self, encoder: &mut Encoder) -> Result<Closed, ParquetError> {
        self.write_page(encoder)?;
        self.pages.close(encoder)
    }

    fn write_page(&mut self, encoder: &mut Encoder) -> Result<(), ParquetError> {
        let content = encoder.next_page(self.waiting.len());
        let present = u8::from(self.may_be_absent);
        for number in self.waiting.drain(..) {
            match number {
                ABSENT => content.absent(0, 0),
                number => content.text(0, present, number),
            }
        }
        self.pages.add(encoder)
    }
}

/// A column of several texts a row, on its way into pages.
pub struct ListColumn {
    /// How many texts each row has since the last page.
    counts: Vec<u32>,
    /// Their numbers.
    waiting: Vec<u32>,
    pages: Pages,
    /// Level of a text that is there.
    present: u8,
}

impl ListColumn {
    /// No row yet; `column` is the leaf in the file's schema.
    #[must_use]
    pub fn new(column: ColumnDescPtr) -> ListColumn {
        ListColumn {
            counts: Vec::new(),
            waiting: Vec::new(),
            present: column.max_def_level() as u8,
            pages: Pages::new(column),
        }
    }

    /// Appends a row; `collect` gives its texts one by one.
    pub fn append(&mut self, collect: impl FnOnce(&mut dyn FnMut(&str))) {
        let before = self.waiting.len();
        collect(&mut |text| self.waiting.push(self.pages.number_of(text)));
        self.counts.push((self.waiting.len() - before) as u32);
    }

    /// Bytes that are kept for the row group.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.pages.bytes()
    }

    /// Writes a page when there is enough for one.
    pub fn hand_over(&mut self, encoder: &mut Encoder) -> Result<(), ParquetError> {
        if is_page(self.counts.len(), self.waiting.len()) {
            self.write_page(encoder)?;
        }
        Ok(())
    }

    /// The column of the row group.
    pub fn close(mut self, encoder: &mut Encoder) -> Result<Closed, ParquetError> {
        self.write_page(encoder)?;
        self.pages.close(encoder)
    }

    fn write_page(&mut self, encoder: &mut Encoder) -> Result<(), ParquetError> {
        let content = encoder.next_page(self.counts.len());
        let mut texts = self.waiting.drain(..);
        for count in self.counts.drain(..) {
            if count == 0 {
                content.absent(0, 0);
            }
            for place in 0..count {
                let text = texts.next().expect("as many texts as were counted");
                content.text(u8::from(place > 0), self.present, text);
            }
        }
        drop(texts);
        self.pages.add(encoder)
    }
}
