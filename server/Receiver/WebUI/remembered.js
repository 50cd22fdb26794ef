// Where unfinished uploads are on the server, kept for after a reload. Browsers that are set to store nothing throw.

const rememberedPrefix = "upload:";
const defaultAge = 24 * 60 * 60;

/** A file that was changed has another key, so that its upload begins anew. */
const keyOf = upload => `${rememberedPrefix}${upload.size}:${upload.file.lastModified}:${upload.path}`;

function storage(use) {
    try {
        return use(localStorage);
    } catch {
        return null;
    }
}

/** The answer says for how long the server keeps the upload. */
function remember(upload, answer) {
    const age = Number(answer.getResponseHeader("Upload-Limit")?.match(/max-age=(\d+)/)?.[1] ?? defaultAge);
    const entry = JSON.stringify({ location: upload.location, until: Date.now() + 1000 * age });
    storage(items => items.setItem(keyOf(upload), entry));
}

function rememberedEntry(key) {
    const entry = storage(items => JSON.parse(items.getItem(key)));
    return typeof entry?.location === "string" && entry.until > Date.now() ? entry : null;
}

/** Null if there is none, or another upload of this page is using it. */
function rememberedLocation(upload) {
    const location = rememberedEntry(keyOf(upload))?.location ?? null;
    return [...active].some(other => other !== upload && other.location === location) ? null : location;
}

function forget(upload) {
    const key = keyOf(upload);
    if (rememberedEntry(key)?.location === upload.location) storage(items => items.removeItem(key));
}

// What an earlier page has left

/** The paths of files whose uploads go on when the files are chosen again, by their keys. */
const leftBehind = new Map();

function findLeftBehind() {
    for (const key of storage(items => Object.keys(items)) ?? []) {
        if (!key.startsWith(rememberedPrefix)) continue;
        if (rememberedEntry(key)) {
            leftBehind.set(key, key.split(":").slice(3).join(":"));
        } else {
            storage(items => items.removeItem(key));
        }
    }
}

function discardLeftBehind() {
    for (const key of leftBehind.keys()) {
        const location = rememberedEntry(key)?.location;
        if (location) deleteUpload(location);
        storage(items => items.removeItem(key));
    }
    leftBehind.clear();
    renderSoon();
}
