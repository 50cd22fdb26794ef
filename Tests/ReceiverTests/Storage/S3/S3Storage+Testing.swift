import HTTPStreaming
import TestSupport
import Testing

@testable import Receiver

extension S3Storage {
    /// The bucket `bucket` of a store, which is created if it does not exist.
    static func open(
        _ store: ObjectStore, folder: String = "some/folder", keepsPaths: Bool = false,
        patience: Duration = .seconds(20),
        abandonedAge: Duration = .seconds(86_400), secretKey: String = ObjectStore.secretKey
    ) async throws -> S3Storage {
        let location = try #require(
            S3Location("s3://bucket/\(folder)", endpoint: store.endpoint, region: "us-east-1"))
        let credentials = S3Credentials(accessKey: ObjectStore.accessKey, secretKey: secretKey)
        let storage = try S3Storage(
            location, keepsPaths: keepsPaths, patience: patience, abandonedAge: abandonedAge
        ) { () throws(S3Credentials.Missing) in credentials }
        if secretKey == ObjectStore.secretKey {
            do {
                _ = try await storage.client.send(.init(.put, nil))
            } catch {
                // It exists.
                guard error.status == 409 else { throw error }
            }
        }
        return storage
    }

    /// Starts a store, or ends the test if it cannot be installed.
    static func startStore(_ engine: ObjectStore.Engine) async throws -> ObjectStore {
        do {
            return try await ObjectStore(engine)
        } catch let error as FaultError {
            print("SKIPPED: no \(engine): \(error)")
            try Test.cancel("no \(engine): \(error)")
        }
    }

    /// How many multipart uploads are neither completed nor aborted.
    func unfinishedCount() async throws -> Int {
        try await client.unfinishedUploads(prefix: client.location.prefix).uploads.count
    }
}
