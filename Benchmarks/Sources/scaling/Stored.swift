import HTTPStreaming

/// What the store has under the name of a file.
enum Stored: Sendable {
    case whole
    case different
    case missing

    /// Reads all files back, four at a time.
    static func compare(_ contents: [SeededContent], _ options: Options) async throws -> [String: Stored] {
        try await withThrowingTaskGroup(of: (String, Stored).self) { group in
            var (stored, running): ([String: Stored], Int) = ([:], 0)
            for content in contents {
                if running == 4, let (name, state) = try await group.next() {
                    stored[name] = state
                    running -= 1
                }
                group.addTask { (content.name, try await compare(content, options)) }
                running += 1
            }
            for try await (name, state) in group { stored[name] = state }
            return stored
        }
    }

    private static func compare(_ content: SeededContent, _ options: Options) async throws -> Stored {
        var configuration = Client.Configuration()
        configuration.proxy = .none
        // As it is stored.
        configuration.headerFields["Accept-Encoding"] = "identity"
        let response = try await Client(configuration: configuration).send(Request(.get, options.store + content.name))
        if response.status == 404 { return .missing }
        try await response.requireSuccess()
        var offset = 0
        for try await chunk in response.body {
            guard offset + chunk.count <= content.size, content.bytes(offset..<(offset + chunk.count)) == chunk else {
                return .different
            }
            offset += chunk.count
        }
        return offset == content.size ? .whole : .different
    }
}
