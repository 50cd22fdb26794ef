import ContentCoding

/// What `Accept-Encoding` says (RFC 9110 §12.5.3).
struct AcceptEncoding: Hashable, Sendable {
    /// Of the codings that are named, in thousandths, 0 for not acceptable. `x-gzip` is `gzip`.
    private var weights: [String: Int] = [:]
    /// Of those that are not.
    private var otherWeight: Int?

    /// - Parameter field: nil where there is none: then only what everyone can read is sent. A
    ///   member that cannot be read is ignored.
    init(_ field: String?) {
        for member in (field ?? "").split(separator: ",") {
            let parts = member.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
            let token = parts[0].trimmingOptionalSpace()
            guard !token.isEmpty, let weight = parts.count > 1 ? Self.weight(parts[1]) : 1000 else { continue }
            if token == "*" {
                otherWeight = weight
            } else {
                weights[Coding(token: token)?.token ?? token.lowercased()] = weight
            }
        }
    }

    /// Chooses the form of an answer.
    ///
    /// - Parameter isWorthCoding: whether the content becomes smaller.
    /// - Returns: nil when the client takes none.
    func preferred(isWorthCoding: Bool) -> Representation? {
        // The first of equals: gzip, which everyone reads in one way.
        let best = Coding.allCases.map { (coding: $0, weight: weight(of: $0.token) ?? 0) }
            .filter { $0.weight > 0 }.max { $0.weight < $1.weight }
        // Identity is acceptable unless it is excluded, but less wanted than what is named.
        let identity = weight(of: "identity")
        if let best, isWorthCoding && best.weight >= identity ?? 0 || identity == 0 { return .coded(best.coding) }
        return identity == 0 ? nil : .identity
    }

    /// Nil where nothing is said of it.
    private func weight(of token: String) -> Int? { weights[token] ?? otherWeight }

    /// `q=` and 0 to 1 with three decimals at most (RFC 9110 §12.4.2).
    private static func weight(_ parameter: Substring) -> Int? {
        let parameter = parameter.trimmingOptionalSpace()
        guard parameter.lowercased().hasPrefix("q="), let digit = parameter.dropFirst(2).first,
            digit == "0" || digit == "1"
        else { return nil }
        let whole = digit == "1" ? 1000 : 0
        let rest = parameter.dropFirst(3)
        guard !rest.isEmpty else { return whole }
        let decimals = rest.dropFirst()
        guard rest.first == ".", decimals.count <= 3, decimals.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return nil
        }
        let thousandths = Int(decimals + String(repeating: "0", count: 3 - decimals.count)) ?? 0
        return whole + thousandths <= 1000 ? whole + thousandths : nil
    }
}
