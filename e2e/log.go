// log.go: the sealed log, read with golang.org/x/mod/sumdb alone.
//
// Usage: log <vkey> <known copy> <copy>... One line a copy: "ok <size>", or "no <why>". A copy is in order when its head
// is signed by the key, its entries lead to the root, every tile is the one that they make, and the known copy is the
// beginning of it.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go build -o log e2e/log.go
package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for n, index := range indexes {
		if index >= int64(len(h)) {
			return nil, errors.New("no such hash")
		}
		found[n] = h[index]
	}
	return found, nil
}

type head struct {
	size int64
	root tlog.Hash
}

func readHead(folder, vkey string) (head, error) {
	text, err := os.ReadFile(filepath.Join(folder, "checkpoint"))
	if err != nil {
		return head{}, err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return head{}, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return head{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return head{}, errors.New("not a head of this log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return head{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return head{}, errors.New("no root")
	}
	var hash tlog.Hash
	copy(hash[:], root)
	return head{size, hash}, nil
}

// path is where tlog-tiles keeps a tile: like Go's, without the height.
func path(tile tlog.Tile) string {
	name := tile.Path()
	if tile.L == -1 {
		return strings.Replace(name, "tile/8/data/", "tile/entries/", 1)
	}
	return strings.Replace(name, "tile/8/", "tile/", 1)
}

// minimum is the minimum index of a pruned log; 0 of a whole one. What is before it is not there to be read.
func minimum(folder string) (int64, error) {
	told, err := os.ReadFile(filepath.Join(folder, "minimum"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	lines := strings.Split(string(told), "\n")
	if err != nil || len(lines) < 3 {
		return 0, errors.New("no minimum")
	}
	return strconv.ParseInt(lines[2], 10, 64)
}

type files string

func (f files) Height() int { return 8 }

func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		found, err := os.ReadFile(filepath.Join(string(f), path(tile)))
		if err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	return all, nil
}

func (f files) SaveTiles([]tlog.Tile, [][]byte) {}

// bundles gives the entries of each bundle from an index on, with the index of the first.
func bundles(folder string, from, size int64, visit func(first int64, entries [][]byte) error) error {
	for ; from < size; from += 256 {
		width := size - from
		if width > 256 {
			width = 256
		}
		bundle, err := os.ReadFile(filepath.Join(folder, path(tlog.Tile{H: 8, L: -1, N: from / 256, W: int(width)})))
		if err != nil {
			return err
		}
		var entries [][]byte
		for n := int64(0); n < width; n++ {
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				return errors.New("bundle is cut")
			}
			length := int(binary.BigEndian.Uint16(bundle))
			entries = append(entries, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
		if len(bundle) > 0 {
			return errors.New("bundle has more than its entries")
		}
		if err := visit(from, entries); err != nil {
			return err
		}
	}
	return nil
}

// checkKept checks what is kept of a pruned log: every entry from the minimum index on is in the tree, by tiles that
// lead to its root, and the known copy is the beginning of it.
func checkKept(folder string, now, known head, minimum int64) (int64, error) {
	reader := tlog.TileHashReader(tlog.Tree{N: now.size, Hash: now.root}, files(folder))
	err := bundles(folder, minimum, now.size, func(first int64, entries [][]byte) error {
		var indexes []int64
		for n := range entries {
			indexes = append(indexes, tlog.StoredHashIndex(0, first+int64(n)))
		}
		found, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for n, entry := range entries {
			if tlog.RecordHash(entry) != found[n] {
				return errors.New("entry")
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	proof, err := tlog.ProveTree(now.size, known.size, reader)
	if err != nil {
		return 0, err
	}
	return now.size, tlog.CheckTree(proof, now.size, now.root, known.size, known.root)
}

func check(folder, vkey string, known head) (int64, error) {
	now, err := readHead(folder, vkey)
	if err != nil {
		return 0, err
	}
	from, err := minimum(folder)
	if err != nil {
		return 0, err
	}
	if from > 0 {
		return checkKept(folder, now, known, from)
	}
	var stored hashes
	err = bundles(folder, 0, now.size, func(first int64, entries [][]byte) error {
		for n, entry := range entries {
			more, err := tlog.StoredHashes(first+int64(n), entry, stored)
			if err != nil {
				return err
			}
			stored = append(stored, more...)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	root, err := tlog.TreeHash(now.size, stored)
	if err != nil {
		return 0, err
	}
	if root != now.root {
		return 0, errors.New("root")
	}
	tiles := tlog.NewTiles(8, 0, now.size)
	for n, tile := range tiles {
		// Older versions of the library also name every width that an open tile once had.
		if n+1 < len(tiles) && tiles[n+1].L == tile.L && tiles[n+1].N == tile.N {
			continue
		}
		wanted, err := tlog.ReadTileData(tile, stored)
		if err != nil {
			return 0, err
		}
		found, err := os.ReadFile(filepath.Join(folder, path(tile)))
		if err != nil {
			return 0, err
		}
		if string(found) != string(wanted) {
			return 0, errors.New(path(tile))
		}
	}
	proof, err := tlog.ProveTree(now.size, known.size, stored)
	if err != nil {
		return 0, err
	}
	return now.size, tlog.CheckTree(proof, now.size, now.root, known.size, known.root)
}

func main() {
	vkey := os.Args[1]
	known, err := readHead(os.Args[2], vkey)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	for _, folder := range os.Args[3:] {
		if size, err := check(folder, vkey, known); err != nil {
			fmt.Println("no", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("ok", size)
		}
	}
}
