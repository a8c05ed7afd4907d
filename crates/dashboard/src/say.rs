//! `words` for templates, which pass on what they have by reference, and by reference to that.

use chrono::{DateTime, Utc};

use crate::markup::Markup;
use crate::words;

/// A value behind any number of references.
pub(crate) trait Behind<T> {
    fn value(&self) -> T;
}

macro_rules! plain {
    ($($kind:ty),*) => { $(impl Behind<$kind> for $kind { fn value(&self) -> $kind { *self } })* };
}

plain!(i64, f64, DateTime<Utc>);

impl<T, B: Behind<T> + ?Sized> Behind<T> for &B {
    fn value(&self) -> T {
        (**self).value()
    }
}

pub(crate) fn count(number: impl Behind<i64>) -> String {
    words::count(number.value())
}

pub(crate) fn number(value: impl Behind<f64>) -> String {
    words::number(value.value())
}

pub(crate) fn bytes(bytes: impl Behind<i64>) -> String {
    words::bytes(bytes.value())
}

pub(crate) fn probability(p: impl Behind<f64>) -> String {
    words::probability(p.value())
}

pub(crate) fn absolute(at: impl Behind<DateTime<Utc>>) -> String {
    words::absolute(at.value())
}

pub(crate) fn exact(at: impl Behind<DateTime<Utc>>) -> Markup {
    words::exact(at.value())
}
