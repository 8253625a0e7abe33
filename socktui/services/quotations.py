"""The quotations of qotd: proverbs, and sentences of our own. Printable ASCII, less than 512 characters (RFC 865)."""

QUOTATIONS = (
    "A chain is no stronger than its weakest link.",
    "A stitch in time saves nine.",
    "A watched pot never boils. A polled socket never blocks.",
    "Better to ask the way than to go astray.",
    "Every connection ends twice: once in each direction.",
    "Great oaks from little acorns grow.",
    "He who is in a hurry always arrives late.",
    "Listen much, accept some, and close what you have opened.",
    "Little strokes fell great oaks.",
    "Measure seven times, cut once.",
    "Many hands make light work.",
    "Never trust a length that a stranger tells you.",
    "One recv is not one message.",
    "Slow and steady wins the race.",
    "Still waters run deep.",
    "The errno knows what the log has forgotten.",
    "The longest way round is the shortest way home.",
    "There is no end of a stream until the other side has said so.",
    "What was sent is not yet received; what was received is not yet read.",
    "Where there is a will, there is a way; where there is no route, there is EHOSTUNREACH.",
)
