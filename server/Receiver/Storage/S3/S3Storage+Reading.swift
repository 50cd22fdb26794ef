import HTTPStreaming
import NIOCore
import Synchronization

extension S3Storage {
    /// Asks the store whether it has the bucket, with these credentials.
    public func check() async throws(StorageError) {
        do throws(S3Error) {
            _ = try await client.send(.init(.head, nil))
        } catch {
            throw error.storageError
        }
    }

    public func files(after name: String?, limit: Int) async throws(StorageError) -> StoredFilePage {
        let prefix = client.location.prefix
        do throws(S3Error) {
            let page = try await client.list(
                prefix: prefix, after: name.map { prefix + $0 }, isFlat: !keepsPaths, limit: min(limit, 1000))
            let files = page.objects.map { object in
                StoredFile(
                    name: client.location.name(of: object.key), size: object.size, modified: object.modified,
                    version: object.tag)
            }
            return StoredFilePage(
                files: files.filter { FileName.isPublic($0.name) },
                last: page.last.map(client.location.name))
        } catch {
            throw error.storageError
        }
    }

    public func open(_ name: String) async throws(StorageError) -> (any StoredFileReader)? {
        guard FileName.isPublic(name), keepsPaths || FileName.isComponent(name) else { return nil }
        let key = client.location.prefix + name
        do throws(S3Error) {
            guard let head = try await client.head(key) else { return nil }
            return S3FileReader(file(key, head), key, client)
        } catch {
            throw error.storageError
        }
    }
}

/// An object that is open for reading. Reads that follow one another are one request to the store.
actor S3FileReader: StoredFileReader {
    nonisolated let file: StoredFile
    private let key: String
    private let client: S3Client
    private var stream: Stream?

    /// A response that is being read.
    private struct Stream {
        let client: Client
        let response: Response
        var offset: Int
        var rest: ArraySlice<UInt8> = []
    }

    init(_ file: StoredFile, _ key: String, _ client: S3Client) {
        (self.file, self.key, self.client) = (file, key, client)
    }

    /// Of bytes that an unfinished upload keeps.
    init(_ tail: S3Tail, _ client: S3Client) {
        self.init(StoredFile(name: "", size: tail.size, modified: 0, version: tail.tag), tail.key, client)
    }

    func read(at offset: Int, count: Int) async throws(StorageError) -> ByteBuffer {
        var stream = try await stream(at: offset)
        var chunks = stream.response.body.makeAsyncIterator()
        var buffer = ByteBuffer()
        buffer.reserveCapacity(count)
        while buffer.readableBytes < count {
            if stream.rest.isEmpty {
                do {
                    guard let chunk = try await chunks.next() else { throw Self.changed }
                    stream.rest = chunk[...]
                } catch {
                    throw (error as? ClientError).map { S3Error($0).storageError } ?? Self.changed
                }
            }
            let taken = stream.rest.prefix(count - buffer.readableBytes)
            buffer.writeBytes(taken)
            stream.rest = stream.rest.dropFirst(taken.count)
            stream.offset += taken.count
        }
        if stream.offset == file.size, (try? await chunks.next()) == .some(nil) {
            // The connection can be used again.
            client.release(stream.client)
        } else {
            self.stream = stream
        }
        return buffer
    }

    private func stream(at offset: Int) async throws(StorageError) -> Stream {
        if let stream, stream.offset == offset {
            self.stream = nil
            return stream
        }
        stream = nil
        var request = S3Client.Request(.get, key)
        request.fields = [("if-match", "\"\(file.version)\""), ("range", "bytes=\(offset)-")]
        do throws(S3Error) {
            let open = try await client.open(request)
            // rclone sends a range with the status 200.
            let isRange = open.response.headerFields["content-range"]?.hasPrefix("bytes \(offset)-") == true
            guard isRange || offset == 0 else { throw S3Error(status: 500, content: []) }
            return Stream(client: open.client, response: open.response, offset: offset)
        } catch {
            throw error.isNotFound || error.isConflict ? Self.changed : error.storageError
        }
    }

    private static let changed = StorageError(.changed, "the file has changed while it was read")
}
