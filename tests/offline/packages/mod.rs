//! What people install: the version that the binary prints.

mod version;
