/// Whether `Accept` prefers HTML, as browsers do, or JSON (RFC 9110 §12.5.1).
enum AcceptedType: Hashable, Sendable {
    case html
    case json

    /// The result is JSON unless HTML has the higher weight. `*/*` gives both the same weight.
    ///
    /// A field that accepts JSON, too, must name `application/xhtml+xml`, as all browsers do: other fields are defaults of
    /// HTTP libraries, whose programs expect JSON. Java up to 18 sends
    /// `text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2`.
    ///
    /// - Parameter field: nil if the request has none.
    init(_ field: String?) {
        let ranges = (field ?? "").split(separator: ",").map {
            $0.split(separator: ";").map { $0.trimmingOptionalSpace() }
        }
        func weight(_ type: String) -> Double {
            let family = type.prefix { $0 != "/" } + "/*"
            // The most specific matching range counts. Java writes `*`.
            for name in [type, String(family), "*/*", "*"] {
                guard let range = ranges.first(where: { $0.first?.lowercased() == name }) else { continue }
                let q = range.dropFirst().first { $0.lowercased().hasPrefix("q=") }?.dropFirst(2)
                return q.map { Double($0) ?? 0 } ?? 1
            }
            return 0
        }
        let (html, json) = (weight("text/html"), weight("application/json"))
        let namesXHTML = ranges.contains { $0.first?.lowercased() == "application/xhtml+xml" }
        self = html > json && (json == 0 || namesXHTML) ? .html : .json
    }
}
