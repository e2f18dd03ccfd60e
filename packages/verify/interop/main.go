// Reads a tiled log that Sekisho wrote with Go's own implementation of the formats, and writes one
// of its own for Sekisho to read: golang.org/x/mod/sumdb/note and sumdb/tlog, nothing else.
// See scripts/test-interop.ts, which runs it.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A task is what Sekisho wrote: the log's directory, its key, and proofs over it.
type task struct {
	Dir       string
	Vkey      string
	Inclusion []struct {
		Index int64
		Proof [][]byte
	}
	Consistency []struct {
		OldSize int64
		Proof   [][]byte
	}
}

// A reply is what Go wrote.
type reply struct {
	Checked     []string
	Vkey        string
	Checkpoint  string
	Tiles       map[string][]byte
	Leaves      [][]byte
	Inclusion   map[string][]tlog.Hash
	Consistency map[string][]tlog.Hash
}

var checked []string

func main() {
	var t task
	must(json.NewDecoder(os.Stdin).Decode(&t))
	tree := openCheckpoint(t)
	reader := tlog.TileHashReader(tree, tiles{dir: t.Dir})
	checkProofs(t, tree, reader)
	checkBundles(t, tree, reader)
	must(json.NewEncoder(os.Stdout).Encode(write()))
}

// openCheckpoint believes the tree head only after note.Open has.
func openCheckpoint(t task) tlog.Tree {
	verifier, err := note.NewVerifier(t.Vkey)
	must(err)
	text, err := os.ReadFile(filepath.Join(t.Dir, "checkpoint"))
	must(err)
	opened, err := note.Open(text, note.VerifierList(verifier))
	must(err)
	_, err = note.Open(bytes.Replace(text, []byte("\n"), []byte("x\n"), 1), note.VerifierList(verifier))
	refuse(err, "a checkpoint with another origin")
	lines := strings.Split(opened.Text, "\n")
	var tree tlog.Tree
	_, err = fmt.Sscan(lines[1], &tree.N)
	must(err)
	root, err := base64.StdEncoding.DecodeString(lines[2])
	must(err)
	copy(tree.Hash[:], root)
	say("checkpoint of %d leaves opened; %d signatures of other keys ignored", tree.N, len(opened.UnverifiedSigs))
	return tree
}

// checkProofs wants the same proofs from our tiles as ours, and accepts ours.
func checkProofs(t task, tree tlog.Tree, reader tlog.HashReader) {
	for _, p := range t.Inclusion {
		want, err := tlog.ProveRecord(tree.N, p.Index, reader)
		must(err)
		got := tlog.RecordProof(hashes(p.Proof))
		same(fmt.Sprint(got), fmt.Sprint(want), "inclusion proof")
		leaves, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, p.Index)})
		must(err)
		must(tlog.CheckRecord(got, tree.N, tree.Hash, p.Index, leaves[0]))
		refuse(tlog.CheckRecord(got, tree.N, tree.Hash, p.Index^1, leaves[0]), "a proof of another leaf")
	}
	say("%d inclusion proofs are the same and accepted", len(t.Inclusion))
	for _, p := range t.Consistency {
		want, err := tlog.ProveTree(tree.N, p.OldSize, reader)
		must(err)
		got := tlog.TreeProof(hashes(p.Proof))
		same(fmt.Sprint(got), fmt.Sprint(want), "consistency proof")
		old, err := tlog.TreeHash(p.OldSize, reader)
		must(err)
		must(tlog.CheckTree(got, tree.N, tree.Hash, p.OldSize, old))
		old[0] ^= 1
		refuse(tlog.CheckTree(got, tree.N, tree.Hash, p.OldSize, old), "a proof of another old tree")
	}
	say("%d consistency proofs are the same and accepted", len(t.Consistency))
}

// checkBundles hashes every leaf of every bundle and compares it with the tree.
func checkBundles(t task, tree tlog.Tree, reader tlog.HashReader) {
	for n := int64(0); n*256 < tree.N; n++ {
		width := min64(256, tree.N-n*256)
		data, err := os.ReadFile(filepath.Join(t.Dir, path(tlog.Tile{H: 8, L: -1, N: n, W: int(width)})))
		must(err)
		var indexes []int64
		for i := int64(0); i < width; i++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, n*256+i))
		}
		want, err := reader.ReadHashes(indexes)
		must(err)
		for _, hash := range want {
			length := int(data[0])<<8 | int(data[1])
			same(tlog.RecordHash(data[2:2+length]).String(), hash.String(), "leaf")
			data = data[2+length:]
		}
		same(fmt.Sprint(len(data)), "0", "bytes after the bundle")
	}
	say("every leaf of every bundle hashes to the tree")
}

// write makes a log of 700 leaves with Go's own functions alone.
func write() reply {
	const size = 700
	signer, vkey := newKey("go.example/log")
	store := map[int64]tlog.Hash{}
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, index := range indexes {
			found = append(found, store[index])
		}
		return found, nil
	})
	r := reply{Vkey: vkey, Tiles: map[string][]byte{}, Inclusion: map[string][]tlog.Hash{}, Consistency: map[string][]tlog.Hash{}}
	for n := int64(0); n < size; n++ {
		leaf := []byte(fmt.Sprintf("go leaf %d", n))
		r.Leaves = append(r.Leaves, leaf)
		made, err := tlog.StoredHashes(n, leaf, read)
		must(err)
		first := tlog.StoredHashIndex(0, n)
		for i, hash := range made {
			store[first+int64(i)] = hash
		}
	}
	for _, tile := range tlog.NewTiles(8, 0, size) {
		data, err := tlog.ReadTileData(tile, read)
		must(err)
		r.Tiles[path(tile)] = data
	}
	for _, n := range []int64{0, 255, 256, 511, 512, 699} {
		proof, err := tlog.ProveRecord(size, n, read)
		must(err)
		r.Inclusion[fmt.Sprint(n)] = proof
		tree, err := tlog.ProveTree(size, n+1, read)
		must(err)
		r.Consistency[fmt.Sprint(n+1)] = tree
	}
	root, err := tlog.TreeHash(size, read)
	must(err)
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("go.example/log\n%d\n%s\n", size, root)}, signer)
	must(err)
	r.Checkpoint = string(signed)
	r.Checked = checked
	return r
}

// tiles reads C2SP paths where Go's tlog has a height in front.
type tiles struct{ dir string }

func (tiles) Height() int                         { return 8 }
func (tiles) SaveTiles(_ []tlog.Tile, _ [][]byte) {}
func (r tiles) ReadTiles(all []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range all {
		data, err := os.ReadFile(filepath.Join(r.dir, path(tile)))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func path(tile tlog.Tile) string {
	p := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
	return strings.Replace(p, "tile/data/", "tile/entries/", 1)
}

func hashes(all [][]byte) []tlog.Hash {
	found := make([]tlog.Hash, len(all))
	for i, bytes := range all {
		copy(found[i][:], bytes)
	}
	return found
}

func newKey(name string) (note.Signer, string) {
	skey, vkey, err := note.GenerateKey(nil, name)
	must(err)
	signer, err := note.NewSigner(skey)
	must(err)
	return signer, vkey
}

func min64(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func say(format string, args ...interface{}) { checked = append(checked, fmt.Sprintf(format, args...)) }

func same(got, want, what string) {
	if got != want {
		must(fmt.Errorf("%s: %s, want %s", what, got, want))
	}
}

func refuse(err error, what string) {
	if err == nil {
		must(fmt.Errorf("accepted %s", what))
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
