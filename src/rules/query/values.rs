//! The names that may stand behind `has:` and `is:`.

use crate::model::PostKind;

/// What `has:` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Feature {
    /// A link, in the markup or as `http(s)://` in the text.
    Links,
    /// A picture or video.
    Media,
    /// A mentioned account, in the markup or as `@name` in the text.
    Mentions,
    /// A hashtag, in the markup or in the text.
    Hashtags,
    /// A pictograph in the text.
    Emoji,
}

impl Feature {
    /// All features with their names.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("links", Self::Links),
        ("media", Self::Media),
        ("mentions", Self::Mentions),
        ("hashtags", Self::Hashtags),
        ("emoji", Self::Emoji),
    ];

    /// The name after `has:`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, feature)| *feature == self).map_or("", |(name, _)| name)
    }
}

/// All kinds of post with their names.
pub const KINDS: [(&str, PostKind); 4] = [
    ("post", PostKind::Post),
    ("reply", PostKind::Reply),
    ("repost", PostKind::Repost),
    ("quote", PostKind::Quote),
];

/// The name after `is:`.
#[must_use]
pub fn kind_name(kind: PostKind) -> &'static str {
    KINDS.iter().find(|(_, named)| *named == kind).map_or("", |(name, _)| name)
}
