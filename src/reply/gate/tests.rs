//! The gate as a whole: whatever comes, no budget is exceeded, and a restart changes nothing.
