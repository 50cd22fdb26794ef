import ContentCoding
import HTTPTypes

/// The form in which content is sent.
enum Representation: Hashable, Sendable {
    case identity
    case coded(Coding)

    /// The form that a client prefers for generated content: coded whenever the client prefers that.
    ///
    /// - Throws: 406 if the client accepts no form.
    static func accepted(by head: HTTPRequest) throws(Refusal) -> Representation {
        guard let field = head.headerFields[.acceptEncoding] else { return .identity }
        guard let representation = AcceptEncoding(field).preferred(isWorthCoding: true) else {
            throw AcceptEncoding.refusal
        }
        return representation
    }

    /// The fields of a response in this form.
    var fields: HTTPFields {
        var fields = AcceptEncoding.varying
        if case .coded(let coding) = self { fields[.contentEncoding] = coding.token }
        return fields
    }
}

/// The value of `Accept-Encoding` (RFC 9110 §12.5.3).
struct AcceptEncoding: Hashable, Sendable {
    /// A field of all responses that depend on `Accept-Encoding`, also of errors (RFC 9110 §12.5.5).
    static let varying: HTTPFields = [.vary: "Accept-Encoding"]

    /// 406
    static var refusal: Refusal {
        Refusal(
            .notAcceptable, "Accept-Encoding excludes all forms of the content: identity, gzip and deflate",
            fields: varying)
    }

    /// Of the named codings, in thousandths; 0 for not acceptable. `x-gzip` is `gzip`.
    private var weights: [String: Int] = [:]
    /// Of all other codings.
    private var otherWeight: Int?

    /// - Parameter field: nil if the request has none; then only the identity form is acceptable. Invalid members are
    ///   ignored.
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

    /// Chooses the form of a response.
    ///
    /// - Parameter isWorthCoding: whether coding makes the content smaller.
    /// - Returns: nil if no form is acceptable.
    func preferred(isWorthCoding: Bool) -> Representation? {
        // Of equals the first wins: gzip, which all clients decode alike.
        let best = Coding.allCases.map { (coding: $0, weight: weight(of: $0.token) ?? 0) }
            .filter { $0.weight > 0 }.max { $0.weight < $1.weight }
        // Identity is acceptable unless it is excluded, but less preferred than named codings.
        let identity = weight(of: "identity")
        if let best, isWorthCoding && best.weight >= identity ?? 0 || identity == 0 { return .coded(best.coding) }
        return identity == 0 ? nil : .identity
    }

    /// Nil if the field says nothing about the coding.
    private func weight(of token: String) -> Int? { weights[token] ?? otherWeight }

    /// `q=` and a number from 0 to 1 with three decimals at most (RFC 9110 §12.4.2).
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
