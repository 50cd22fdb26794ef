import Platform

extension S3Storage {
    /// Aborts multipart uploads below the prefix that servers which were killed have left: those of which no part has been
    /// stored for longer than ``abandonedAge``.
    public func removeLeftovers() async throws(StorageError) {
        let limit = Timestamp.now.seconds - Int(abandonedAge.components.seconds)
        do throws(S3Error) {
            var marker: (key: String, upload: String)?
            repeat {
                let page = try await client.unfinishedUploads(prefix: client.location.prefix, after: marker)
                for upload in page.uploads where upload.begun <= limit {
                    if let last = try await client.lastPartTime(of: upload), last > limit { continue }
                    try await client.abortUpload(upload.identifier, upload.key)
                }
                marker = page.next
            } while marker != nil
        } catch {
            throw error.storageError
        }
    }
}
