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
