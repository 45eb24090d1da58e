//! The Python files of Opsbox, as data.
