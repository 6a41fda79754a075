//! A writer of one JSON object after the other into one string, without intermediate values.
//!
//! Owns: commas and brackets. Texts given to it must already be safe inside quotes; whatever came
//! from a person is escaped once, when the person is made.

use std::fmt::Write;
use std::net::IpAddr;

use super::calendar::push_precise;
use super::dice::Guid;

pub(super) struct Json {
    pub out: String,
}

impl Json {
    pub fn with_capacity(bytes: usize) -> Json {
        let mut out = String::with_capacity(bytes);
        out.push('{');
        Json { out }
    }

    fn key(&mut self, key: &str) {
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, key: &str, value: &str) {
        self.key(key);
        self.out.push_str(value);
        self.out.push(',');
    }

    /// A text that needs no escape.
    pub fn text(&mut self, key: &str, value: &str) {
        debug_assert!(!value.contains(['"', '\\']) && !value.contains(char::is_control));
        self.key(key);
        self.out.push('"');
        self.out.push_str(value);
        self.out.push_str("\",");
    }

    pub fn texts(&mut self, pairs: &[(&str, &str)]) {
        for (key, value) in pairs {
            self.text(key, value);
        }
    }

    pub fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        let _ = write!(self.out, "{value},");
    }

    pub fn truth(&mut self, key: &str, value: bool) {
        self.raw(key, if value { "true" } else { "false" });
    }

    pub fn guid(&mut self, key: &str, value: Guid) {
        self.key(key);
        self.out.push('"');
        value.push(&mut self.out);
        self.out.push_str("\",");
    }

    pub fn ip(&mut self, key: &str, value: IpAddr) {
        self.key(key);
        let _ = write!(self.out, "\"{value}\",");
    }

    pub fn instant(&mut self, key: &str, value: i64, seventh: u8, zone: &str) {
        self.key(key);
        self.out.push('"');
        push_precise(&mut self.out, value, seventh, zone);
        self.out.push_str("\",");
    }

    pub fn open(&mut self, key: &str) {
        self.key(key);
        self.out.push('{');
    }

    pub fn open_list(&mut self, key: &str) {
        self.key(key);
        self.out.push('[');
    }

    /// An object inside a list.
    pub fn item(&mut self) {
        self.out.push('{');
    }

    pub fn close(&mut self) {
        self.drop_comma();
        self.out.push_str("},");
    }

    pub fn close_list(&mut self) {
        self.drop_comma();
        self.out.push_str("],");
    }

    fn drop_comma(&mut self) {
        if self.out.ends_with(',') {
            self.out.pop();
        }
    }

    pub fn finish(mut self) -> String {
        self.drop_comma();
        self.out.push('}');
        self.out
    }
}
