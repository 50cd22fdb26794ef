extension Substring {
    /// Without the spaces and tabs around it (`OWS`, RFC 9110 §5.6.3).
    func trimmingOptionalSpace() -> Substring {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        let start = drop(while: isSpace)
        guard let last = start.lastIndex(where: { !isSpace($0) }) else { return "" }
        return start[...last]
    }
}
