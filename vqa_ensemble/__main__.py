from vqa_ensemble.cli import main

if __name__ == "__main__":
    main()
