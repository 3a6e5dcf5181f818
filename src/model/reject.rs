//! Why frames are refused.

/// Why a frame was refused. Each is a metric label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// Over the frame limit.
    TooLarge,
    /// Brackets nested over the depth limit.
    TooDeep,
    /// Not UTF-8.
    InvalidUtf8,
    /// Not JSON: truncated, or broken.
    InvalidJson,
    /// JSON, but a field that we need is missing or of the wrong type.
    WrongShape,
}

impl RejectReason {
    /// All reasons, in the order of `line::Counts::rejected`.
    pub const ALL: [Self; 5] =
        [Self::TooLarge, Self::TooDeep, Self::InvalidUtf8, Self::InvalidJson, Self::WrongShape];

    /// The metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidJson => "invalid_json",
            Self::WrongShape => "wrong_shape",
        }
    }
}
