//! A server that is made up, in time that is made up.
