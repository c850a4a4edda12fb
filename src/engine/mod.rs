//! Settings → running tasks, their life, their drain and their reload.
