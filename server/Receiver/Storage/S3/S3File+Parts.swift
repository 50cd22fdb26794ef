extension S3File {
    enum Part: Sendable {
        case stored(S3Part)
        case underWay(Task<S3Part, any Error>)
    }

    /// A part that is not complete.
    enum Rest: Sendable {
        case none
        case stored(S3Tail)
        case unstored(PartContent, number: Int)
    }

    private static let firstPartSize = 8 << 20
    /// Parts double after so many, so that 10,000 of them have 7.8 TiB; the largest one has 4 GiB.
    private static let partsOfOneSize = 1000

    static func size(ofPart number: Int) -> Int { firstPartSize << ((number - 1) / partsOfOneSize) }
}

extension [S3File.Part] {
    /// Suspends until the store has all of them.
    func stored() async throws(StorageError) -> [S3Part] {
        var parts: [S3Part] = []
        for part in self {
            switch part {
            case .stored(let part): parts.append(part)
            case .underWay(let task):
                do {
                    parts.append(try await task.value)
                } catch {
                    throw (error as? S3Error)?.storageError ?? .serverIsStopping
                }
            }
        }
        return parts
    }
}
