import Platform

extension S3Storage {
    /// Aborts multipart uploads below the prefix that servers which were killed have left: those of which no part has been
    /// stored for longer than ``abandonedAge``, and which no unfinished upload needs.
    public func removeLeftovers() async throws(StorageError) {
        let limit = Timestamp.now.seconds - Int(abandonedAge.components.seconds)
        var abandoned: [S3Client.UnfinishedUpload] = []
        try await trying { () throws(S3Error) in
            var marker: (key: String, upload: String)?
            repeat {
                let page = try await client.unfinishedUploads(prefix: client.location.prefix, after: marker)
                for upload in page.uploads where upload.begun <= limit {
                    if let last = try await client.lastPartTime(of: upload), last > limit { continue }
                    abandoned.append(upload)
                }
                marker = page.next
            } while marker != nil
        }
        guard !abandoned.isEmpty else { return }
        let needed = try await neededUploads()
        try await trying { () throws(S3Error) in
            for upload in abandoned where !needed.contains(upload.identifier) {
                try await client.abortUpload(upload.identifier, upload.key)
            }
        }
    }
}
