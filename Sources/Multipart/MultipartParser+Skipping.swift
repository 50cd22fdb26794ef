extension MultipartParser {
    /// Whether the parser is in the content of a part and holds none of it back, so that ``skipContent()`` may be called.
    package var canSkipContent: Bool {
        guard inPart, case .content(let matched) = state else { return false }
        return matched == implied
    }

    /// Takes note of content, at least one byte, that the caller has read before: for a message that is parsed again, of
    /// which long contents are stored elsewhere. What follows is parsed as if the parser had read that content.
    package mutating func skipContent() {
        precondition(canSkipContent, "only content of a part can be skipped")
        implied = 0
        state = .content(matched: 0)
    }
}
