//! KWOKNodeClass.
